function net = dlnetwork(layers, varargin)
% A chain of transposed convolution layers, initialised for an example input; its learnable
% parameters are single.  https://www.mathworks.com/help/deeplearning/ref/dlnetwork.html
  if numel(varargin) ~= 1 || ~isa(varargin{1}, 'dlarray')
    error('deconform:dlnetwork:input', 'these definitions have dlnetwork(layers, X) only.');
  end
  net.Layers = layers(:);
  net.Learnables = struct('Layer', {{}}, 'Parameter', {{}}, 'Value', {{}});
  format = dims(varargin{1});
  channels = size(varargin{1}, find(format == 'C'));
  for i = 1:numel(net.Layers)
    [weights, bias] = learnable(net.Layers(i), channels, sum(format == 'S'));
    net.Learnables.Layer(end + (1:2), 1) = {net.Layers(i).Name};
    net.Learnables.Parameter(end + (1:2), 1) = {'Weights'; 'Bias'};
    net.Learnables.Value(end + (1:2), 1) = {dlarray(single(weights)); dlarray(single(bias))};
    channels = net.Layers(i).NumFilters;
  end
end

function [weights, bias] = learnable(layer, channels, rank)
  if numel(layer.FilterSize) ~= rank
    error('deconform:dlnetwork:format', 'a %d-D layer cannot take data with %d spatial dimensions.', ...
          numel(layer.FilterSize), rank);
  end
  if ~any(strcmp(layer.NumChannels, 'auto')) && layer.NumChannels ~= channels
    error('deconform:dlnetwork:channels', 'NumChannels is %d, but the input has %d channels.', ...
          layer.NumChannels, channels);
  end
  taps = prod(layer.FilterSize);
  fans = taps * [channels, layer.NumFilters];
  weights = parameter('Weights', layer.Weights, [layer.FilterSize, layer.NumFilters, channels], ...
                      layer.WeightsInitializer, fans);
  bias = parameter('Bias', layer.Bias, [ones(1, rank), layer.NumFilters], ...
                   layer.BiasInitializer, fans);
end

function value = parameter(name, value, extent, initializer, fans)
  if isempty(value)
    value = drawn(initializer, extent, fans);
  end
  found = [size(value), ones(1, numel(extent))];
  if ~isequal(found(1:numel(extent)), extent) || numel(value) ~= prod(extent)
    error('deconform:dlnetwork:parameter', '%s is %s, but must be %s.', name, ...
          mat2str(size(value)), mat2str(extent));
  end
end

function value = drawn(initializer, extent, fans)
% fans are numIn = filterSize * NumChannels and numOut = filterSize * NumFilters.
  if ~ischar(initializer)
    value = initializer(extent);
    return
  end
  switch initializer
    case 'glorot'
      value = sqrt(3 * 2 / sum(fans)) * (2 * rand(extent) - 1);
    case 'he'
      value = sqrt(2 / fans(1)) * randn(extent);
    case {'narrow-normal', 'narrownormal'}
      value = 0.01 * randn(extent);
    case 'zeros'
      value = zeros(extent);
    case 'ones'
      value = ones(extent);
    otherwise
      error('deconform:dlnetwork:initializer', 'there is no initializer ''%s''.', initializer);
  end
end
