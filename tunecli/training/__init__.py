"""Everything that touches a Keras model: training a trial, training the winner, evaluating it."""
