"""The bundle's synthesiser: latents and textures to heatmaps and class probabilities, or pairs of
heatmaps to what lies between them.

Inputs and outputs are bound where they lie, NumPy arrays on the CPU and CuPy arrays on a GPU, so
that the graph writes straight into the result. On the CPU parts are spread over the threads, each
of which runs a part on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from dlrsd.runtime.base.caches import keep_kernels_here
from dlrsd.runtime.base.errors import BundleError, DeviceMemoryError, InputError, require
from dlrsd.runtime.base.hardware import count_gpus, device_error, usable_cores
from dlrsd.runtime.bundle.bundle import Bundle
from dlrsd.runtime.bundle.parts import Synthesizer
from dlrsd.runtime.engines.onnx_session import open_session
from dlrsd.runtime.engines.opening import print_to_stderr
from dlrsd.runtime.synthesis.neighbours import Array

# Heatmaps per call: few enough to keep the graph's intermediates in a CPU's cache.
_BATCH = {"cpu": 64, "cuda": 1024}

_MOST = 1e6  # a standardised heatmap stays below 100


class Decoder:
    """An open synthesiser.

    Parameters
    ----------
    bundle : Bundle
        One with a synthesiser.
    device : {"cpu", "cuda"}
    threads : int > 0, optional
        CPU threads; by default one per core this process may use.
    say : callable
        Gets a line of text when the GPU has no memory for a batch and a smaller one is tried.

    Raises
    ------
    InputError
        If the device is unknown, or there is no GPU or no ONNX Runtime for it.
    ExtraMissingError
        If ONNX Runtime, or CuPy for a GPU, is not installed.
    BundleError
        If the bundle has no synthesiser, or a damaged one.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        device: str = "cpu",
        threads: int | None = None,
        say: Callable[[str], None] = print_to_stderr,
    ) -> None:
        if device not in _BATCH:
            raise InputError(f"got device {device!r}, expected one of {', '.join(_BATCH)}")
        if threads is not None and threads < 1:
            raise InputError(f"got {threads} threads, expected 1 or more")
        self.device = device
        self.n_classes = len(bundle.classes)
        self._bundle, self._say = bundle, say
        self._batch = _BATCH[device]
        file = synthesis_of(bundle).file
        self._cupy = _import_cupy() if device == "cuda" else None
        if device == "cuda":
            self._session = _open_on_gpu(bundle, file)
            threads = 1  # the GPU runs one part after the other
        else:
            self._session = open_session(bundle, file)
        self._pool = ThreadPoolExecutor(threads or usable_cores())

    def put(self, x: np.ndarray) -> Array:
        """The array on the decoder's device."""
        return self._cupy.asarray(x) if self._cupy else x

    def __call__(self, latents: Array, textures: Array) -> tuple[Array, Array]:
        """Decode.

        Parameters
        ----------
        latents : array, shape (n, *latent shape), float32, on the decoder's device
        textures : array, shape (n, channels, F, T), float32, on the decoder's device

        Returns
        -------
        heatmaps : array, shape (n, channels, F, T), on the decoder's device
        probabilities : array, shape (n, K), on the decoder's device

        Raises
        ------
        BundleError
            If the graph does not take them.
        DeviceMemoryError, DeviceLostError
            If the GPU has no memory for a single one, or is gone.
        """
        made = self._call(
            {"latent": latents, "texture": textures},
            {"heatmap": textures.shape[1:], "class_probabilities": (self.n_classes,)},
        )
        return made["heatmap"], made["class_probabilities"]

    def between(self, first: Array, second: Array) -> Array:
        """Deep SMOTE's heatmap of every pair; errors as of a call.

        Parameters
        ----------
        first, second : array, shape (n, channels, F, T), float32, on the decoder's device

        Returns
        -------
        array, shape (n, channels, F, T), on the decoder's device
        """
        return self._call({"first": first, "second": second}, {"heatmap": first.shape[1:]})[
            "heatmap"
        ]

    def _call(
        self, inputs: dict[str, Array], shapes: dict[str, tuple[int, ...]]
    ) -> dict[str, Array]:
        """Outputs of these shapes, without the first axis, part by part."""
        xp = array_namespace(*inputs.values())
        inputs = {k: xp.ascontiguousarray(x, dtype=xp.float32) for k, x in inputs.items()}
        n = len(next(iter(inputs.values())))
        outputs = {k: xp.empty((n, *shape), dtype=xp.float32) for k, shape in shapes.items()}
        run = partial(self.run_part, inputs, outputs)
        done = 0
        while done < n:
            parts = [slice(at, at + self._batch) for at in range(done, n, self._batch)]
            try:
                for part in self._pool.map(run, parts):
                    done = min(part.stop, n)
            except DeviceMemoryError as error:
                if self._batch == 1:
                    raise
                self._batch //= 2
                if self._cupy:
                    self._cupy.get_default_memory_pool().free_all_blocks()
                self._say(f"{error}: trying {self._batch} heatmaps at a time")
        for name, values in outputs.items():
            if not bool(xp.all(xp.abs(values) <= _MOST)):  # not of numbers that are none, too
                raise BundleError(
                    f"the synthesiser of bundle {self._bundle.name} gives {name} beyond all "
                    "bounds: expected standardised heatmaps; export the bundle again"
                )
        return outputs

    def run_part(self, inputs: dict[str, Array], outputs: dict[str, Array], part: slice) -> slice:
        """One call of the graph, which writes that part of the outputs; returns the part."""
        binding = self._session.io_binding()
        for arrays, bind in ((inputs, binding.bind_input), (outputs, binding.bind_output)):
            for name, whole in arrays.items():
                array = whole[part]
                bind(name, self.device, 0, np.float32, array.shape, _pointer(array))
        try:
            if self._cupy:
                # ONNX Runtime has a stream of its own, which it waits for at the end.
                self._cupy.cuda.get_current_stream().synchronize()
            self._session.run_with_iobinding(binding)
        except Exception as error:
            known = device_error(error) if self._cupy else None
            reason = " ".join(str(error).split())[:200]
            raise known or BundleError(
                f"the synthesiser of bundle {self._bundle.path} fails: {reason}; export the bundle "
                "again"
            ) from error
        return part


def synthesis_of(bundle: Bundle) -> Synthesizer:
    """What a bundle says of its synthesiser.

    Raises
    ------
    BundleError
        If it has none.
    """
    if bundle.manifest.synthesis is None:
        raise BundleError(
            f"bundle {bundle.path} has no synthesiser: export it, with anchors, from a run of "
            "dlrsd-smote or mansourifar-deep-smote"
        )
    return bundle.manifest.synthesis


def _pointer(array: Array) -> int:
    return int(array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr)


def _import_cupy() -> Any:
    if not count_gpus():
        raise InputError(
            "there is no GPU that the NVIDIA driver offers, expected one for --device cuda: check "
            "`nvidia-smi`, or use --device cpu"
        )
    keep_kernels_here()
    return require("cupy", extra="gpu", purpose="synthesis on a GPU")


def _open_on_gpu(bundle: Bundle, file: str) -> Any:
    # Imported here: on a box without a GPU it would only delay the start.
    from dlrsd.runtime.engines.onnx_cuda import offers_cuda, open_cuda_session

    if not offers_cuda():
        raise InputError(
            "the onnxruntime installed here has no CUDA, expected onnxruntime-gpu: run `pip "
            "uninstall onnxruntime` and `pip install 'dlrsd[gpu]'`, or use --device cpu"
        )
    session, _ = open_cuda_session(bundle, file, capture=False)
    return session
