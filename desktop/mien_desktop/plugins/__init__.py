"""Which plugins run, and with which parameters: forms made from their parameter models, and the chooser of both."""
