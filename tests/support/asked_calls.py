"""Calls that the tests of the look-up service ask about."""

PYTORCH = "nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1)"
KERAS = "Conv2DTranspose(32, 4, strides=2, padding='same')"
# It asks for the input's shape.
SIZED = "mx.nd.Deconvolution(x, w, no_bias=True, kernel=(3, 3), num_filter=4, target_shape=(8, 8))"
