"""Where trials run. An executor takes a runner's name, `module:function`, and knows nothing of training."""
