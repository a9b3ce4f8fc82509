"""All pages: the label report (`label/`), a training run, clips to listen to, and the whole chain."""
