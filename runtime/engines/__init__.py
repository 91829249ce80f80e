"""Engines that run a bundle's graph: ONNX Runtime and TensorRT."""
