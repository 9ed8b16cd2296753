function deconform_done()
% Say on standard output that an answer is complete.
  fprintf('deconform:done\n');
  if exist('OCTAVE_VERSION', 'builtin')
    fflush(stdout);
  end
end
