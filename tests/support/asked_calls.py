"""Calls that the tests of the look-up service ask about."""

PYTORCH = "nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)"
KERAS = "Conv2DTranspose(32, 4, strides=2, padding='same')"
