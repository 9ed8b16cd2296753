function layer = transposedConv2dLayer(filterSize, numFilters, varargin)
% https://www.mathworks.com/help/deeplearning/ref/transposedconv2dlayer.html
  layer = transposed_layer(2, filterSize, numFilters, varargin{:});
end
