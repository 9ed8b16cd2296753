function deconform_run(deconform_folder, deconform_lengths, deconform_names, ...
                       deconform_inputs, deconform_outputs)
% Run one program.  The file "request" holds the texts of its sections, whose lengths are given,
% and then its arrays, which rows {name, class, size} describe.  The outputs go to "answer".
% The text runs in this function's workspace, hence the long names.
  deconform_section = 'setup';
  deconform_seconds = zeros(1, numel(deconform_names));
  try
    deconform_file = fopen([deconform_folder '/request'], 'r', 'ieee-le');
    deconform_texts = cell(size(deconform_names));
    for deconform_i = 1:numel(deconform_names)
      deconform_texts{deconform_i} = fread(deconform_file, ...
                                           [1, deconform_lengths(deconform_i)], '*char');
    end
    for deconform_i = 1:size(deconform_inputs, 1)
      eval([deconform_inputs{deconform_i, 1} ' = deconform_read(deconform_file, ' ...
            'deconform_inputs{deconform_i, 2:3});']);
    end
    fclose(deconform_file);
    for deconform_i = 1:numel(deconform_names)
      deconform_section = deconform_names{deconform_i};
      deconform_began = tic;
      if ~isempty(deconform_texts{deconform_i})
        eval(deconform_texts{deconform_i});
      end
      deconform_seconds(deconform_i) = toc(deconform_began);
    end
    deconform_section = 'from_native';
    deconform_values = cell(size(deconform_outputs));
    for deconform_i = 1:numel(deconform_outputs)
      if ~exist(deconform_outputs{deconform_i}, 'var')
        error('deconform:missing', 'the program left no %s', deconform_outputs{deconform_i});
      end
      deconform_values{deconform_i} = eval(deconform_outputs{deconform_i});
    end
    deconform_answer(deconform_folder, deconform_seconds, deconform_outputs, deconform_values);
  catch deconform_caught
    deconform_file = fopen([deconform_folder '/answer'], 'w');
    fprintf(deconform_file, 'raised\n%s\n%s\n%s', deconform_section, ...
            deconform_caught.identifier, deconform_caught.message);
    fclose(deconform_file);
  end
end

function array = deconform_read(file, kind, extent)
  array = reshape(fread(file, prod(extent), [kind '=>' kind]), extent);
end

function deconform_answer(folder, seconds, names, values)
  classes = {'single', 'double', 'int8', 'int16', 'int32', 'int64'};
  for i = 1:numel(names)
    if ~any(strcmp(class(values{i}), classes)) || ~isreal(values{i}) || issparse(values{i})
      error('deconform:output', '%s is %s, no real numeric array', names{i}, class(values{i}));
    end
    if numel(values{i}) > 2^28
      error('deconform:output', '%s has %d elements, more than 2^28', names{i}, numel(values{i}));
    end
  end
  file = fopen([folder '/answer'], 'w', 'ieee-le');
  fprintf(file, 'result\n%s\n', sprintf('%.9g ', seconds));
  for i = 1:numel(names)
    fprintf(file, '%s %s%s\n', names{i}, class(values{i}), sprintf(' %d', size(values{i})));
  end
  fprintf(file, '\n');
  for i = 1:numel(values)
    fwrite(file, values{i}, class(values{i}));
  end
  fclose(file);
end
