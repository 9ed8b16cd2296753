(* DeconvolutionLayer as its documentation describes it, for engines that have none: Mathics3.

   https://reference.wolfram.com/language/ref/DeconvolutionLayer.html
   https://reference.wolfram.com/language/ref/NetPortGradient.html

   A layer is built once: DeconvolutionLayer[n, size, options] is checked and becomes
   DeconvolutionLayer[<|...|>], or $Failed with a message.  Applied to an input or to a list of
   inputs it gives the output; with NetPortGradient, a gradient.  Everything is Wolfram Language:
   this is the definition.  definition.py beside it serves what is too large for Mathics3. *)

(* Where the document is silent about "Same" and an odd total, the end loses one more; more than
   the whole kernel's stride leaves a gap at the end.  Renderers never write "Same" for these. *)
sameCrop[k_, s_, df_] := With[{total = df (k - 1) + 1 - s},
  If[total < 0, {0, total}, {Quotient[total, 2], total - Quotient[total, 2]}]];

(* Messages *)

DeconvolutionLayer::argument = "`1` is not a possible value of `2`.";
DeconvolutionLayer::option = "`1` is not an option of DeconvolutionLayer.";
DeconvolutionLayer::rank = "A kernel has 1 or 2 dimensions, not `1`.";
DeconvolutionLayer::groups = "The number `1` of `2` channels is not divisible by the number `3` of groups.";
DeconvolutionLayer::weights = "The weights have dimensions `1`; `2` are needed.";
DeconvolutionLayer::biases = "The biases have dimensions `1`; `2` are needed.";
DeconvolutionLayer::output = "The output would have the dimensions `1`, which are not all positive.";
DeconvolutionLayer::port = "The output has the dimensions `1`, not `2`.";
DeconvolutionLayer::uninitialized = "The layer has no `1` yet: see NetInitialize.";
DeconvolutionLayer::input = "Something of dimensions `1` is no input of dimensions `2`, and no list of such.";
DeconvolutionLayer::empty = "The documentation does not say what a layer makes of no inputs.";
DeconvolutionLayer::gradient = "Something of dimensions `1` is no gradient at an output of dimensions `2`.";

SetAttributes[fail, HoldFirst];
fail[message_, values___] := (Message[message, values]; Throw[$Failed, deconvolution]);
SetAttributes[checked, HoldFirst];
checked[body_] := Catch[body, deconvolution];

(* Construction *)

$defaults = <|"Biases" -> Automatic, "ChannelGroups" -> 1, "Dilation" -> 1, "Interleaving" -> False,
  "LearningRateMultipliers" -> Automatic, "PaddingSize" -> 0, "Stride" -> 1, "Weights" -> Automatic,
  "Input" -> Automatic, "Output" -> Automatic|>;

DeconvolutionLayer[options___Rule] := checked[built[Automatic, Automatic, {options}]];
DeconvolutionLayer[n_Integer, options___Rule] :=
  checked[fail[DeconvolutionLayer::argument, Automatic, "the kernel size"]];
DeconvolutionLayer[n_, size_, options___Rule] := checked[built[n, size, {options}]];

built[n_, size_, rules_] := Block[{given, weights, groups, kernel, rank, channels},
  given = Join[$defaults, Association @@ Map[ToString[First[#]] -> Last[#] &, rules]];
  Map[If[! MemberQ[Keys[$defaults], #], fail[DeconvolutionLayer::option, #]] &, Keys[given]];
  weights = If[given["Weights"] === Automatic, {}, Dimensions[given["Weights"]]];
  groups = given["ChannelGroups"];
  positive[groups, "\"ChannelGroups\""];
  channels = If[n === Automatic && weights =!= {}, weights[[2]] groups, n];
  positive[channels, "the number of output channels"];
  divisible[channels, "output", groups];
  kernel = kernelSize[size, If[weights === {}, {}, Drop[weights, 2]], given["Input"]];
  If[kernel === Automatic, Return[DeconvolutionLayer[<|"Arguments" -> {n, size, rules}|>]]];
  rank = Length[kernel];
  completed[Join[given, <|"Channels" -> channels, "Kernel" -> kernel,
    "Stride" -> perDimension[given["Stride"], rank, "\"Stride\""],
    "Dilation" -> perDimension[given["Dilation"], rank, "\"Dilation\""]|>]]];

(* One number means that size in every dimension, of which the input or the weights tell how many *)
kernelSize[sizes_List, _, _] := (
  If[! MemberQ[{1, 2}, Length[sizes]], fail[DeconvolutionLayer::rank, Length[sizes]]];
  Map[positive[#, "the kernel size"] &, sizes]);
kernelSize[Automatic, {}, _] := fail[DeconvolutionLayer::argument, Automatic, "the kernel size"];
kernelSize[Automatic, sizes_, input_] := kernelSize[sizes, {}, input];
kernelSize[size_, _, input_List] := kernelSize[ConstantArray[size, Length[input] - 1], {}, input];
kernelSize[size_, {}, input_ /; ! ListQ[input]] := (positive[size, "the kernel size"]; Automatic);
kernelSize[size_, sizes_, _] := kernelSize[ConstantArray[size, Length[sizes]], {}, Automatic];

positive[value_, name_] :=
  If[IntegerQ[value] && value > 0, value, fail[DeconvolutionLayer::argument, value, name]];
divisible[channels_, side_, groups_] :=
  If[Mod[channels, groups] != 0, fail[DeconvolutionLayer::groups, channels, side, groups]];
perDimension[values_List, rank_, name_] := If[Length[values] == rank,
  Map[positive[#, name] &, values], fail[DeconvolutionLayer::argument, values, name]];
perDimension[value_, rank_, name_] := ConstantArray[positive[value, name], rank];

(* The forms of PaddingSize, all as {{begin, end}, ...} *)
padding["Same", layer_] := MapThread[sameCrop, {layer["Kernel"], layer["Stride"], layer["Dilation"]}];
padding[value_List, layer_] := If[Length[value] == Length[layer["Kernel"]],
  Map[ends, value], fail[DeconvolutionLayer::argument, value, "PaddingSize"]];
padding[value_, layer_] := ConstantArray[ends[value], Length[layer["Kernel"]]];
ends[both_Integer] := ends[{both, both}];
ends[{begin_Integer, end_Integer}] /; begin >= 0 && end >= 0 := {begin, end};
ends[value_] := fail[DeconvolutionLayer::argument, value, "PaddingSize"];

(* Checks what needs the input's dimensions, as soon as they are known *)
completed[layer_] := Block[{pairs, input, channels, sizes, groups, output},
  pairs = padding[layer["PaddingSize"], layer];
  If[! MemberQ[{True, False}, layer["Interleaving"]],
    fail[DeconvolutionLayer::argument, layer["Interleaving"], "Interleaving"]];
  input = layer["Input"];
  If[! ListQ[input], Return[DeconvolutionLayer[Join[layer, <|"Crop" -> pairs|>]]]];
  If[Length[input] != Length[pairs] + 1, fail[DeconvolutionLayer::argument, input, "\"Input\""]];
  Map[positive[#, "\"Input\""] &, input];
  channels = If[layer["Interleaving"], Last[input], First[input]];
  sizes = If[layer["Interleaving"], Most[input], Rest[input]];
  groups = layer["ChannelGroups"];
  divisible[channels, "input", groups];
  dimensioned[layer["Weights"], Join[{channels, layer["Channels"]/groups}, layer["Kernel"]],
    DeconvolutionLayer::weights];
  If[layer["Biases"] =!= None,
    dimensioned[layer["Biases"], {layer["Channels"]}, DeconvolutionLayer::biases]];
  output = layer["Stride"] (sizes - 1) + layer["Dilation"] (layer["Kernel"] - 1) + 1 -
    Map[Total, pairs];
  If[Min[output] < 1, fail[DeconvolutionLayer::output, withChannels[layer, output]]];
  If[ListQ[layer["Output"]] && layer["Output"] =!= withChannels[layer, output],
    fail[DeconvolutionLayer::port, withChannels[layer, output], layer["Output"]]];
  DeconvolutionLayer[Join[layer, <|"Crop" -> pairs, "InputChannels" -> channels, "InputSize" -> sizes,
    "OutputSize" -> output, "Output" -> withChannels[layer, output]|>]]];

withChannels[layer_, sizes_] :=
  If[layer["Interleaving"], Append[sizes, layer["Channels"]], Prepend[sizes, layer["Channels"]]];
SetAttributes[dimensioned, HoldRest];
dimensioned[Automatic, _, _] := Null;
dimensioned[array_, dimensions_, message_] :=
  If[Dimensions[array] =!= dimensions, fail[message, Dimensions[array], dimensions]];

(* Parts of a layer *)

NetExtract[DeconvolutionLayer[layer_Association], name_String] := layer[name];
Unprotect[Information];
Information[layer_, "OutputPorts"] := Replace[layer,
  DeconvolutionLayer[built_Association] :> <|"Output" -> built["Output"]|>];
Protect[Information];

DeconvolutionLayer[layer_Association][name_String] := layer[name];

NetReplacePart[DeconvolutionLayer[layer_Association], rules_List] := checked[
  completed[Join[layer, Association @@ rules]]];

NetInitialize[DeconvolutionLayer[layer_Association]] := checked[Block[{weights},
  weights = Join[{layer["InputChannels"], layer["Channels"]/layer["ChannelGroups"]}, layer["Kernel"]];
  completed[Join[layer, <|
    "Weights" -> If[layer["Weights"] === Automatic, RandomReal[{-1, 1}, weights], layer["Weights"]],
    "Biases" -> If[layer["Biases"] === Automatic, ConstantArray[0., layer["Channels"]], layer["Biases"]]|>]]]];

(* Application *)

DeconvolutionLayer[layer_Association][data_Association, port_, options___Rule] :=
  checked[backward[fitted[layer, data["Input"]], data["Input"],
    data[NetPortGradient["Output"]], First[port], {options}]];
DeconvolutionLayer[layer_Association][data_Association, options___Rule] :=
  DeconvolutionLayer[layer][data["Input"], options];
DeconvolutionLayer[layer_Association][input_, options___Rule] :=
  checked[forward[fitted[layer, input], input, {options}]];

(* The layer with the input's dimensions, where nobody has said them before *)
fitted[layer_, input_] := Block[{dimensions = Dimensions[input], known, rank},
  If[ListQ[layer["Arguments"]], (* one number for the kernel's size: the input tells the rank *)
    Return[fitted[built[layer["Arguments"][[1]], layer["Arguments"][[2]],
      Append[layer["Arguments"][[3]], "Input" -> dimensions]][[1]], input]]];
  rank = Length[layer["Kernel"]];
  known = If[ListQ[layer["Input"]], layer,
    completed[Join[layer, <|"Input" -> Take[dimensions, -Min[rank + 1, Length[dimensions]]]|>]][[1]]];
  If[dimensions =!= known["Input"] && (dimensions === {} || Rest[dimensions] =!= known["Input"]),
    fail[DeconvolutionLayer::input, dimensions, known["Input"]]];
  If[First[dimensions] == 0, fail[DeconvolutionLayer::empty]];
  known];

parameter[layer_, name_] := If[layer[name] === Automatic,
  fail[DeconvolutionLayer::uninitialized, name], layer[name]];

forward[layer_, input_, options_] := Block[{w, b},
  w = parameter[layer, "Weights"];
  b = parameter[layer, "Biases"];
  summed[layer, "Output", {input, w, If[b === None, ConstantArray[0, layer["Channels"]], b]}, options]];

backward[layer_, input_, gradient_, name_, options_] := Block[{needed},
  needed = If[Length[Dimensions[input]] == Length[layer["Input"]], layer["Output"],
    Prepend[layer["Output"], First[Dimensions[input]]]];
  If[Dimensions[gradient] =!= needed,
    fail[DeconvolutionLayer::gradient, Dimensions[gradient], needed]];
  If[! MemberQ[{"Input", "Weights", "Biases"}, name] || layer[name] === None,
    fail[DeconvolutionLayer::argument, name, "NetPortGradient"]];
  summed[layer, name, {input, parameter[layer, "Weights"], gradient}, options]];

summed[layer_, name_, arrays_, options_] := Block[{batched, type, result},
  type = WorkingPrecision /. options /. WorkingPrecision -> "Real32";
  If[! MemberQ[{"Real32", "Real64"}, type], fail[DeconvolutionLayer::argument, type, "WorkingPrecision"]];
  batched = Length[Dimensions[First[arrays]]] > Length[layer["Input"]];
  result = batch[layer, name, Map[Normal, arrays], batched];
  If[Head[First[arrays]] === NumericArray, NumericArray[result, type], result]];

(* The sums, in Wolfram Language.  What a layer is stands in symbols while they are made. *)

batch[layer_, name_, {input_, w_, last_}, batched_] := Block[
  {kernel = layer["Kernel"], stride = layer["Stride"], dilation = layer["Dilation"],
   crop = layer["Crop"], sizes = layer["InputSize"], outSizes = layer["OutputSize"],
   groups = layer["ChannelGroups"], interleaved = layer["Interleaving"], in, out, result},
  in = layer["InputChannels"]/groups;
  out = layer["Channels"]/groups;
  result = sums[name, channels[input, batched], w,
    If[name === "Output", last, channels[last, batched]]];
  If[name === "Output" || name === "Input", examples[result, batched], result]];

(* All that a channel has in all examples, channel by channel; and back *)
channels[array_, batched_] := With[{list = If[batched, array, {array}]},
  swapped[If[interleaved, Map[channelsFirst, list], list]]];
examples[array_, batched_] := With[
  {list = If[interleaved, Map[channelsLast, swapped[array]], swapped[array]]},
  If[batched, list, First[list]]];
channelsFirst[a_] := With[{n = Dimensions[a]},
  ArrayReshape[swapped[Flatten[a, Length[n] - 2]], Prepend[Most[n], Last[n]]]];
channelsLast[a_] := ArrayReshape[swapped[rows[a]], Append[Rest[Dimensions[a]], Length[a]]];

(* Transpose of Mathics3 10.0.1 knows no matrix of one row, and no third level *)
swapped[array_] := Flatten[array, {{2}, {1}}];
rows[array_] := Map[Flatten, array];
block[array_, j_, n_] := Take[array, {(j - 1) n + 1, j n}];
kernelPositions[] := Tuples[Map[Range[0, # - 1] &, kernel]];

(* Input position i meets kernel position t at output position s i + df t - begin, all from 0.  The
   output positions q = s p + r with one remainder r are a phase: there t meets p - (df t - begin - r)/s,
   wherever s divides that.  All phases, one within the other, are the output. *)
sums["Output", x_, w_, b_] := b + Join @@ Table[outputOf[block[x, j, in], block[w, j, in]], {j, groups}];
outputOf[x_, w_] := Block[{count = Length[First[x]], rank = Length[stride], size = Ceiling[outSizes/stride],
    weights, starts, before, lowest, padded, phases},
  weights = Flatten[ArrayReshape[w, {in, out, Times @@ kernel}], {{3}, {1}}];
  starts = Map[dilation # - crop[[All, 1]] &, kernelPositions[]];
  before = Map[Max[#, 0] &, Floor[Last[starts]/stride]];
  lowest = Ceiling[First[starts]/stride] - 1;
  padded = ArrayPad[x, Join[{{0, 0}, {0, 0}},
    swapped[{before, Map[Max[#, 0] &, size - sizes - lowest]}]]];
  phases = Array[phase[{##} - 1] &, stride];
  cut[Flatten[ArrayReshape[phases, Join[stride, {out, count}, size]],
    Join[{{rank + 1}, {rank + 2}}, Table[{rank + 2 + a, a}, {a, rank}]]]]];

phase[remainder_] := Block[{here},
  here = Select[Range[Length[starts]], Max[Mod[starts[[#]] - remainder, stride]] == 0 &];
  If[here === {}, ConstantArray[0, {out, count Times @@ size}],
    swapped[Join @@ Map[weights[[#]] &, here]] .
      Join @@ Map[windows[padded, before + 1 - (starts[[#]] - remainder)/stride, size, 1] &, here]]];

(* What stands in every channel at these places, as rows *)
SetAttributes[windows, HoldFirst];
windows[array_, first_, size_, step_] := rows[Part[array, All, All,
  Sequence @@ MapThread[Span, {first, first + (size - 1) step, ConstantArray[1, Length[size]] step}]]];

cut[array_] := With[{n = Drop[Dimensions[array], 2]},
  If[n === outSizes, array, ArrayPad[array, Join[{{0, 0}, {0, 0}}, swapped[{0 n, outSizes - n}]]]]];

sums["Input", x_, w_, dy_] := Join @@ Table[
  ArrayReshape[rows[block[w, j, in]] . met[block[dy, j, out]], Join[{in, Length[First[x]]}, sizes]],
  {j, groups}];

sums["Weights", x_, w_, dy_] := Join @@ Table[
  ArrayReshape[rows[block[x, j, in]] . swapped[met[block[dy, j, out]]], Join[{in, out}, kernel]],
  {j, groups}];

sums["Biases", x_, w_, dy_] := Map[Total, rows[dy]];

(* For every output channel and kernel position a row: what each input position meets there *)
met[dy_] := Block[{whole = ArrayPad[dy, Join[{{0, 0}, {0, 0}}, crop]]},
  Flatten[Map[windows[whole, dilation # + 1, sizes, stride] &, kernelPositions[]], {{2, 1}}]];
