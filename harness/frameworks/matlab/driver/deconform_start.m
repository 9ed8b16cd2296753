function deconform_start(folder)
% Say what runs here.  GNU Octave gets definitions of what the Deep Learning Toolbox documents;
% MATLAB never does, since its own functions are what is to be tried there.
  file = fopen(fullfile(folder, 'answer'), 'w');
  try
    if exist('OCTAVE_VERSION', 'builtin')
      addpath(fullfile(fileparts(mfilename('fullpath')), 'definitions'));
      version_of_it = ['GNU Octave ' OCTAVE_VERSION];
      fprintf(file, '%s\ndocumented semantics (%s)\n', version_of_it, version_of_it);
    else
      toolbox = ver('nnet');
      if isempty(toolbox)
        error('deconform:toolbox', 'MATLAB %s has no Deep Learning Toolbox.', version);
      end
      fprintf(file, '%s, Deep Learning Toolbox %s\nMATLAB\n', version, toolbox(1).Version);
    end
  catch caught
    fprintf(file, '\n%s\n', caught.message);
  end
  fclose(file);
end
