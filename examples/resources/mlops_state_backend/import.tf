import {
  to = mlops_state_backend.this
  id = "aws/111122223333/eu-west-1/churn" # <cloud>/<account or project>/<region>/<name>
}
