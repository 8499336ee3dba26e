terraform import mlops_state_backend.this aws/111122223333/eu-west-1/churn
