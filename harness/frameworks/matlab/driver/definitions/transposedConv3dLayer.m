function layer = transposedConv3dLayer(filterSize, numFilters, varargin)
% https://www.mathworks.com/help/deeplearning/ref/transposedconv3dlayer.html
  layer = transposed_layer(3, filterSize, numFilters, varargin{:});
end
