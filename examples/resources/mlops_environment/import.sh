# By the attribute id. Where the logs bucket was taken over with adopt, add it: <id>@<bucket>.
terraform import mlops_environment.this aws/111122223333/eu-west-1/churn-dev
