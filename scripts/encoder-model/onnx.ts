import protobuf from 'protobufjs';

/** The part of ONNX's format that the encoder's model uses (onnx/onnx.proto). */
const SCHEMA = `
  syntax = "proto2";
  message Model {
    optional int64 ir_version = 1;
    optional string producer_name = 2;
    optional Graph graph = 7;
    repeated OperatorSet opset_import = 8;
  }
  message OperatorSet { optional string domain = 1; optional int64 version = 2; }
  message Graph {
    repeated Node node = 1;
    optional string name = 2;
    repeated Tensor initializer = 5;
    repeated Value input = 11;
    repeated Value output = 12;
  }
  message Node {
    repeated string input = 1;
    repeated string output = 2;
    optional string op_type = 4;
    repeated Attribute attribute = 5;
    optional string domain = 7;
  }
  message Attribute {
    optional string name = 1;
    optional float f = 2;
    optional int64 i = 3;
    repeated int64 ints = 8;
    optional int32 type = 20;
  }
  message Tensor {
    repeated int64 dims = 1;
    optional int32 data_type = 2;
    optional string name = 8;
    optional bytes raw_data = 9;
  }
  message Value { optional string name = 1; optional Type type = 2; }
  message Type { optional TensorType tensor_type = 1; }
  message TensorType { optional int32 elem_type = 1; optional Shape shape = 2; }
  message Shape { repeated Dimension dim = 1; }
  message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
`;
const Model = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('Model');

/** Types of the elements of a tensor. */
export const ELEMENT = { float: 1, int8: 3, int64: 7 } as const;
/** Types of an attribute. */
export const ATTRIBUTE = { float: 1, integer: 2, integers: 7 } as const;

/** A constant of a graph. The elements are little-endian. */
export interface Tensor {
  name: string;
  dims: number[];
  data_type: number;
  raw_data: Uint8Array;
}

/** An operator of a graph, with the names of its inputs and outputs. */
export interface Node {
  op_type: string;
  input: string[];
  output: string[];
  domain: string;
  attribute: { name: string; type: number; i?: number; f?: number; ints?: number[] }[];
}

/** An input or output of a graph: its dimensions are numbers, or names where they vary. */
export interface Value {
  name: string;
  elementType: number;
  dims: (number | string)[];
}

/** A graph of operators. */
export interface Graph {
  nodes: Node[];
  tensors: Tensor[];
  inputs: Value[];
  outputs: Value[];
}

/** Reads the nodes and constants of a model. Values are left out. */
export function readModel(bytes: Uint8Array): Pick<Graph, 'nodes' | 'tensors'> {
  const decoded = Model.toObject(Model.decode(bytes), { longs: Number, arrays: true, defaults: true });
  return { nodes: decoded.graph.node, tensors: decoded.graph.initializer };
}

/** Writes a model of ONNX's operators and those of ONNX Runtime (domain `com.microsoft`). */
export function writeModel(name: string, { nodes, tensors, inputs, outputs }: Graph): Uint8Array {
  const toValue = ({ name: value, elementType, dims }: Value) => ({
    name: value,
    type: { tensor_type: { elem_type: elementType, shape: { dim: dims.map(toDimension) } } },
  });
  return Model.encode(
    Model.create({
      ir_version: 8,
      graph: { name, node: nodes, initializer: tensors, input: inputs.map(toValue), output: outputs.map(toValue) },
      opset_import: [
        { domain: '', version: 17 },
        { domain: 'com.microsoft', version: 1 },
      ],
    }),
  ).finish();
}

const toDimension = (dim: number | string) => (typeof dim === 'number' ? { dim_value: dim } : { dim_param: dim });
