"""What a study has shown about its search space: findings, the evidence they rest on, and the lines to write."""
