function layer = transposedConv1dLayer(filterSize, numFilters, varargin)
% https://www.mathworks.com/help/deeplearning/ref/transposedconv1dlayer.html
  layer = transposed_layer(1, filterSize, numFilters, varargin{:});
end
