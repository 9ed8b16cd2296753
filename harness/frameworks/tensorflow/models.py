"""Keras's models: ``.keras``, ``.h5``, the JSON of ``to_json()`` and of TensorFlow.js.

All hold the model's configuration: its layers by class, with their arguments, and models inside
models.  https://keras.io/api/models/model_saving_apis/
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from harness.convention.layers import Found, Layer, Refused, as_value, check_weights
from harness.core.archives import archive, member
from harness.core.bounded import MIB, from_json, head_of, read_bytes
from harness.core.errors import InputError
from harness.core.operators import Sizes
from harness.frameworks.tensorflow import hdf5_reader
from harness.frameworks.tensorflow.layer_calls import layer_forms
from harness.syntax.tree import Argument, Call, Value

_MOST_BYTES: Final = 16384 * MIB
_MOST_CONFIG: Final = 16 * MIB
_MOST_MEMORY: Final = 2048 * MIB  # Of the process that reads HDF5
_MOST_SECONDS: Final = 20
_DEEPEST: Final = 40  # Layers in layers
_MOST_LAYERS: Final = 100_000
_CONFIG: Final = "config.json"
_HDF5: Final = b"\x89HDF\r\n\x1a\n"
_OF_KERAS: Final = re.compile(rb"model_config|layer_names|vars")
_JSON: Final = re.compile(rb'(?s)\s*\{.*"(class_name|modelTopology)"\s*:')
_FORMS: Final = {f"Conv{rank}DTranspose": layer_forms(rank)[0] for rank in (1, 2, 3)}
_ALIKE: Final = re.compile(r"(?i)conv\w*transpose|transpose\w*conv|deconv")
# What a layer's configuration holds, and its call need not say.
_SILENT: Final[Mapping[str, object]] = {
    "name": ...,
    "trainable": True,
    "dtype": "float32",
    "groups": 1,
    "activation": "linear",
    "ragged": False,
    "sparse": False,
    "autocast": True,
}
# How weights and a bias are drawn if nothing is said, now and in Keras 2.2.
_DEFAULT_DRAWS: Final = [
    as_value({"class_name": name, "config": config})
    for name, config in (
        ("GlorotUniform", {}),
        ("VarianceScaling", {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform"}),
        ("Zeros", {}),
    )
]
# What has as many channels as its input.
_KEEPING: Final = re.compile(
    r"Activation|(Leaky|P|Thresholded)?ReLU|ELU|Softmax|(Spatial)?Dropout([123]D)?|Gaussian\w+"
    r"|(Layer|Batch|Group|Unit)?Normalization(V[12])?|BatchNormalizationV[12]|UpSampling[123]D"
    r"|ZeroPadding[123]D|Cropping[123]D|(Max|Average)Pooling[123]D"
)
_FILTERING: Final = re.compile(r"(Separable)?Conv[123]D(Transpose)?")
_MOST_STEPS: Final = 1000  # Layers that are followed to find the channels of one


def is_model(path: Path) -> bool:
    """Whether a file is one of Keras's, by what it begins with."""
    match path.suffix.lower():
        case ".keras":
            return head_of(path, 4) == b"PK\x03\x04"
        case ".json":
            return _JSON.match(head_of(path)) is not None
    head = head_of(path, MIB)
    return head.startswith(_HDF5) and _OF_KERAS.search(head) is not None


def layers(path: Path) -> Iterator[Found]:
    """Yield the transposed convolutions of a model."""
    match path.suffix.lower():
        case ".keras":
            with archive(path, _MOST_BYTES) as opened:
                content = member(opened, _CONFIG, _MOST_CONFIG)
            yield from _Model({}).layers(from_json(content, f"{_CONFIG} of {path.name}"))
        case ".json":
            whole = from_json(read_bytes(path, _MOST_CONFIG), path.name)
            topology = whole.get("modelTopology") if isinstance(whole, dict) else None
            inner = topology.get("model_config") if isinstance(topology, dict) else None
            yield from _Model({}).layers(inner or topology or whole)
        case _:
            yield from _of_hdf5(path)


def _of_hdf5(path: Path) -> Iterator[Found]:
    config, shapes = _read_apart(path)
    if config is None:
        check_weights(path.name, shapes, "HWOI")
        return
    kernels: dict[str, list[Sizes]] = {}
    for name, shape in shapes.items():
        owner, _, last = name.rpartition("/")
        if last.partition(":")[0] == "kernel":
            kernels.setdefault(owner.rpartition("/")[2], []).append(shape)
    content = from_json(config.encode(errors="replace"), f"model_config of {path.name}")
    yield from _Model(kernels).layers(content)


def _read_apart(path: Path) -> tuple[str | None, dict[str, Sizes]]:
    """Return a model's configuration and the shapes of its arrays, read by another process."""
    limits = (str(_MOST_MEMORY), str(_MOST_SECONDS))
    # -P: the script's folder is none that modules are imported from.
    command = [sys.executable, "-P", hdf5_reader.__file__, str(path), *limits]
    done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        raise InputError(f"{path.name} cannot be read: HDF5's library crashed over it.") from None
    if answer.get("error") == "missing":
        raise InputError(
            f"{path.name} is HDF5, which h5py reads; it is not installed: "
            "pip install 'deconform[weights]'"
        )
    if "error" in answer:
        raise InputError(f"{path.name} is no whole HDF5 file: {answer['error']}")
    return answer["config"], {name: tuple(shape) for name, shape in answer["shapes"].items()}


@dataclass
class _Model:
    """A model's configuration, of which a bounded number of layers is read."""

    kernels: Mapping[str, Sequence[Sizes]]  # Shapes of the weights by their layer's name
    left: int = _MOST_LAYERS
    around: list[Mapping[str, Any]] = field(default_factory=list)

    def layers(self, config: Any) -> Iterator[Found]:
        """Yield the transposed convolutions in the configuration of a model.

        Raises
        ------
        InputError
            Where it is no configuration.
        """
        if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
            raise InputError("it holds no configuration of a Keras model.")
        yield from self._inside(config, "", None, 0)

    def _inside(
        self, layer: Mapping[str, Any], prefix: str, known: int | None, depth: int
    ) -> Iterator[Found]:
        """Yield what a layer is, or holds; ``known`` are its input's channels."""
        self.left -= 1
        if depth > _DEEPEST or self.left < 0:
            raise InputError(f"it has more than {_MOST_LAYERS} layers, or {_DEEPEST} in layers.")
        kind, config = str(layer.get("class_name")), layer.get("config")
        name = prefix + _name(layer)
        is_own = _is_own(layer)
        if kind in _FORMS and isinstance(config, dict) and not is_own:
            yield self._layer(name, layer, config, known)
            return
        if _ALIKE.search(kind):
            fact = f"{kind} is no layer of Keras's that is known here: look up its code."
            yield Refused(name, fact)
            return
        inner = list(_held(config))
        if is_own and not inner:
            yield Refused(
                name,
                f"{kind} is a class of its project, and the file does not say what it computes: "
                "look up its code.",
            )
        chain = _Chain(inner)
        for each in inner:
            # The model itself has no name in its layers' names; one inside it has.
            here = f"{name}/" if depth else ""
            yield from self._inside(each, here, chain.channels_before(each), depth + 1)

    def _layer(
        self, name: str, layer: Mapping[str, Any], config: Mapping[str, Any], known: int | None
    ) -> Found:
        form = _FORMS[str(layer["class_name"])]
        if "nb_filter" in config:
            return Refused(name, "it is saved by Keras 1, which is not read: save it by Keras 2.")
        arguments: dict[str, Value] = {}
        notes = []
        for key, given in config.items():
            value = _plain(given)
            if value is None or _SILENT.get(key, _NOT_SILENT) in (value, ...):
                continue
            if value in _DEFAULT_DRAWS:
                continue
            if form.parameter(key) is None:
                notes.append(f"{key}: a setting that is not in the answer.")
                continue
            arguments[key] = value
        build = layer.get("build_config")
        shape = build.get("input_shape") if isinstance(build, dict) else None
        if isinstance(shape, list) and len(shape) == (form.rank or 0) + 2:
            arguments["batch_input_shape"] = as_value(shape)
        return Layer(name, form, arguments, tuple(notes), self._in_channels(layer, config, known))

    def _in_channels(
        self, layer: Mapping[str, Any], config: Mapping[str, Any], known: int | None
    ) -> int | None:
        """Return the input's channels: the last axis of the weights, or what goes in."""
        kernels = {*self.kernels.get(_name(layer), ())}
        kernel = kernels.pop() if len(kernels) == 1 else ()
        if len(kernel) > 2 and kernel[-2] == config.get("filters"):
            return kernel[-1]
        return known if config.get("data_format") != "channels_first" else None


_NOT_SILENT: Final = object()


def _name(layer: Mapping[str, Any]) -> str:
    config = layer.get("config")
    own = config.get("name") if isinstance(config, dict) else None
    return str(own or layer.get("name") or layer.get("class_name"))


def _is_own(layer: Mapping[str, Any]) -> bool:
    """Whether a class is the project's, as Keras 3 says by its module or its registered name."""
    package = str(layer.get("registered_name") or "keras").partition(">")[0]
    module = str(layer.get("module") or "keras").partition(".")[0]
    is_plain = package in {"keras", str(layer.get("class_name"))}
    return not is_plain or module not in {"keras", "tensorflow", "tf_keras", "builtins"}


def _held(config: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the layers that a model's or a wrapper's configuration holds."""
    if isinstance(config, list):  # A Sequential of Keras 2.2 and before
        listed: Any = config
    elif isinstance(config, dict):
        listed = config.get("layers")
        wrapped = [config.get(key) for key in ("layer", "cell")]
        listed = listed if isinstance(listed, list) else wrapped
    else:
        return
    for each in listed:
        if isinstance(each, dict) and isinstance(each.get("class_name"), str):
            yield each


def _plain(given: Any) -> Value:
    """Return a setting as code has it: a type by its name, a call without what is ``None``."""
    if isinstance(given, dict) and given.get("class_name") == "DTypePolicy":
        policy = given.get("config")
        return as_value(policy.get("name")) if isinstance(policy, dict) else None
    value = as_value(given)
    if not isinstance(value, Call):
        return value
    arguments = (Argument(a.name, a.value, 0) for a in value.arguments if a.value is not None)
    return Call(value.function, tuple(arguments), 0)


class _Chain:
    """Layers of one model, and which of them goes into which."""

    def __init__(self, layers: Sequence[Mapping[str, Any]]) -> None:
        self._layers = {_name(layer): layer for layer in layers}
        self._before = dict(zip([_name(each) for each in layers[1:]], layers, strict=False))
        # A Sequential's layers follow each other; others say what goes into them.
        self._is_sequence = not any("inbound_nodes" in each for each in layers)

    def channels_before(self, layer: Mapping[str, Any]) -> int | None:
        """Return the channels of a layer's input, the last of its axes, where layers show them."""
        for _ in range(_MOST_STEPS):
            before = self._input(layer)
            if before is None:
                return None
            kind, config = str(before.get("class_name")), before.get("config")
            if not isinstance(config, dict) or config.get("data_format") == "channels_first":
                return None
            if _FILTERING.fullmatch(kind):
                return _positive(config.get("filters"))
            for key in ("target_shape", "batch_input_shape", "batch_shape"):
                if isinstance(shape := config.get(key), list) and shape:
                    return _positive(shape[-1])
            if not _KEEPING.fullmatch(kind):
                return None
            layer = before
        return None

    def _input(self, layer: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Return the first layer that goes into one."""
        if self._is_sequence:
            return self._before.get(_name(layer))
        nodes = layer.get("inbound_nodes")
        # A layer that is called several times has several inputs.
        if not isinstance(nodes, list) or len(nodes) != 1:
            return None
        return self._layers.get(_first_name(nodes[0]))


def _first_name(node: Any) -> str:
    """Return the name of the first layer in ``[["relu", 0, 0, {}]]`` or Keras 3's own form."""
    if isinstance(node, dict):
        arguments = node.get("args")
        tensor: Any = arguments[0] if isinstance(arguments, list) and arguments else None
        tensor = tensor[0] if isinstance(tensor, list) and tensor else tensor
        config = tensor.get("config") if isinstance(tensor, dict) else None
        history = config.get("keras_history") if isinstance(config, dict) else None
        return str(history[0]) if isinstance(history, list) and history else ""
    for _ in range(2):
        node = node[0] if isinstance(node, list) and node else node
    return node if isinstance(node, str) else ""


def _positive(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
