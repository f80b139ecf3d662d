"""A study as TensorBoard shows it: event files with scalars by epoch, and the HParams tab."""
