function answer = deconform_tape(action, varargin)
% The computation that dlfeval follows: a list of nodes, each with its parents and with a function
% from the gradient of its value to those of theirs.
  persistent nodes running
  answer = 0;
  switch action
    case 'start'
      nodes = struct('parents', {}, 'backward', {});
      running = true;
    case 'stop'
      nodes = [];
      running = false;
    case 'leaf'
      nodes(end + 1) = struct('parents', [], 'backward', []);
      answer = numel(nodes);
    case 'node'
      [parents, backward] = varargin{:};
      if running && any(parents)
        nodes(end + 1) = struct('parents', parents, 'backward', backward);
        answer = numel(nodes);
      end
    case 'gradients'
      answer = backwards(nodes, varargin{:});
  end
end

function gradients = backwards(nodes, last, seed)
  gradients = cell(1, numel(nodes));
  gradients{last} = seed;
  for i = last:-1:1
    parents = nodes(i).parents;
    if isempty(gradients{i}) || ~any(parents)
      continue
    end
    given = nodes(i).backward(gradients{i});
    for j = find(parents)
      if isempty(gradients{parents(j)})
        gradients{parents(j)} = given{j};
      else
        gradients{parents(j)} = gradients{parents(j)} + given{j};
      end
    end
  end
end
