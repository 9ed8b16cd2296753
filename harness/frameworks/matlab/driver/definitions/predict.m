function y = predict(net, x)
% https://www.mathworks.com/help/deeplearning/ref/dlnetwork.predict.html
  y = x;
  for i = 1:numel(net.Layers)
    layer = net.Layers(i);
    crop = layer.CroppingSize;
    if strcmp(layer.CroppingMode, 'same')
      crop = 'same';
    elseif numel(layer.FilterSize) < 3
      crop = reshape(crop, 2, []);
    end
    y = dltranspconv(y, net.Learnables.Value{2 * i - 1}, net.Learnables.Value{2 * i}, ...
                     'Stride', layer.Stride, 'Cropping', crop);
  end
end
