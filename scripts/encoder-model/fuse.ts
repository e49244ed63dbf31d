import { ATTRIBUTE, ELEMENT, type Graph, type Node, readModel, type Tensor, writeModel } from './onnx.ts';

/** Sizes of all-MiniLM-L6-v2. */
const LAYERS = 6;
const HEADS = 12;
const WIDTH = 384;
/** Tokens of the longest text. */
const TOKENS_MAX = 256;
const EPSILON = 1e-12;
const RUNTIME = 'com.microsoft';
const LAST_AXIS = { name: 'axes', type: ATTRIBUTE.integers, ints: [-1] };

/** Weights of a matrix, a column for each output, and the scale of each column. */
interface Matrix {
  weights: Tensor;
  scales: Tensor;
}

/**
 * Writes the graph of the encoder anew with the fused operators of ONNX Runtime, from a model whose weights are int8 with a scale for each
 * column. The exported graph turns all weights into floats when it is loaded; here they stay int8. Matrices are multiplied as integers: what
 * goes into one is quantized to 8 bits, by the range of its values in the text or, where a few tokens are much larger, in each token. The graph therefore takes one text at a time, so that a
 * text's vector does not depend on others.
 * @param bytes the model as it was exported: `input_ids`, `attention_mask`, `token_type_ids` to `last_hidden_state`
 */
export function fuseModel(bytes: Uint8Array): Uint8Array {
  const source = readSource(bytes);
  const graph = new GraphBuilder();
  let state = embed(graph, source);
  for (let layer = 0; layer < LAYERS; layer++) {
    const output = layer === LAYERS - 1 ? 'last_hidden_state' : `layer.${layer}`;
    state = addLayer(graph, source, layer, state, output);
  }
  return writeModel('all-MiniLM-L6-v2', graph.finish());
}

/** The constants of the exported model. */
interface Source {
  tensor(name: string): Tensor;
  /** The matrices in the order of their use: query, key, value, output, and both of the feed-forward part, of each layer. */
  matrices: Matrix[];
}

function readSource(bytes: Uint8Array): Source {
  const { nodes, tensors } = readModel(bytes);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const tensor = (name: string) => {
    const found = byName.get(name);
    if (!found) throw new Error(`the model has no constant ${name}`);
    return found;
  };
  const matrices = nodes
    .filter(({ op_type, input: [, weights = ''] }) => op_type === 'MatMul' && byName.has(`${weights}_q`))
    .map(({ input: [, weights = ''] }) => ({
      weights: tensor(`${weights}_q`),
      scales: tensor(`${weights}_scale`),
    }));
  if (matrices.length !== 6 * LAYERS) throw new Error(`the model has ${matrices.length} matrices, not ${6 * LAYERS}`);
  return { tensor, matrices };
}

/** Adds up the vectors of word, position and text, and normalizes them. All tokens belong to one text. */
function embed(graph: GraphBuilder, { tensor }: Source): string {
  const from = 'inner.embeddings';
  graph.constant('words', tensor(`${from}.word_embeddings.weight_q`));
  graph.constant('words.scale', tensor(`${from}.word_embeddings.weight_scale`));
  graph.node('Gather', ['words', 'input_ids'], 'word.q');
  graph.node('Cast', ['word.q'], 'word.f', { to: ELEMENT.float });
  graph.node('Gather', ['words.scale', 'input_ids'], 'word.s');
  graph.node('Mul', ['word.f', 'word.s'], 'word');

  const positions = tensor(`${from}.position_embeddings.weight_q`);
  const scales = floats(tensor(`${from}.position_embeddings.weight_scale`));
  const text = floats(tensor(`${from}.token_type_embeddings.weight`));
  const sums = Float32Array.from({ length: TOKENS_MAX * WIDTH }, (_, at) => {
    const weight = ((positions.raw_data[at] as number) << 24) >> 24;
    return Math.fround(weight * (scales[Math.floor(at / WIDTH)] as number)) + (text[at % WIDTH] as number);
  });
  graph.constant('positions', floatTensor(sums, [TOKENS_MAX, WIDTH]));
  graph.constant('first', integers([0]));
  graph.constant('tokens.axis', integers([1]));
  graph.constant('after tokens.axis', integers([2]));
  graph.node('Shape', ['input_ids'], 'shape');
  graph.node('Slice', ['shape', 'tokens.axis', 'after tokens.axis', 'first'], 'length');
  graph.node('Slice', ['positions', 'first', 'length', 'first'], 'position');
  graph.node('Add', ['word', 'position'], 'sum');
  const [weight, bias] = normalization(graph, tensor, `${from}.LayerNorm`, 'embeddings');
  return graph.node('LayerNormalization', ['sum', weight, bias], 'embeddings', { axis: -1, epsilon: EPSILON });
}

function addLayer(graph: GraphBuilder, source: Source, layer: number, input: string, output: string): string {
  const { tensor, matrices } = source;
  const from = `inner.encoder.layer.${layer}`;
  const name = (part: string) => `${layer}.${part}`;
  const [query, key, value, projection, wide, narrow] = matrices.slice(6 * layer, 6 * layer + 6) as Matrix[];
  const bias = (part: string, path: string) => graph.constant(name(part), tensor(`${from}.${path}.bias`));
  const attended = ['query', 'key', 'value'].map((part) => tensor(`${from}.attention.self.${part}.bias`));
  graph.constant(name('attention.bias'), joinVectors(attended));
  const joined = graph.weights(name('attention.weights'), joinColumns([query, key, value] as Matrix[]));
  const quantized = ['input', 'input.scale', 'input.zero'].map(name);
  graph.nodeOf('DynamicQuantizeLinear', [input], quantized);
  const [values, scale, zero] = quantized as [string, string, string];
  const attentionInputs = [values, joined.weights, name('attention.bias'), scale, joined.scales, '', zero, joined.zero];
  graph.node('QAttention', attentionInputs, name('attention'), { num_heads: HEADS }, RUNTIME);

  graph.multiply(name('attention'), projection as Matrix, name('projection'));
  const first = normalization(graph, tensor, `${from}.attention.output.LayerNorm`, name('between'));
  const projected = bias('projection.bias', 'attention.output.dense');
  graph.node(
    'SkipLayerNormalization',
    [name('projection'), input, ...first, projected],
    name('between'),
    { epsilon: EPSILON },
    RUNTIME,
  );

  graph.multiplyByToken(name('between'), wide as Matrix, name('wide'));
  graph.node('BiasGelu', [name('wide'), bias('wide.bias', 'intermediate.dense')], name('active'), {}, RUNTIME);
  graph.multiplyByToken(name('active'), narrow as Matrix, name('narrow'));
  const second = normalization(graph, tensor, `${from}.output.LayerNorm`, name('end'));
  const narrowed = bias('narrow.bias', 'output.dense');
  return graph.node(
    'SkipLayerNormalization',
    [name('narrow'), name('between'), ...second, narrowed],
    output,
    { epsilon: EPSILON },
    RUNTIME,
  );
}

/** Adds the weight and bias of a layer normalization. Returns their names. */
function normalization(graph: GraphBuilder, tensor: Source['tensor'], from: string, to: string): [string, string] {
  return [
    graph.constant(`${to}.scale`, tensor(`${from}.weight`)),
    graph.constant(`${to}.bias`, tensor(`${from}.bias`)),
  ];
}

/** Collects the nodes and constants of a graph. */
class GraphBuilder {
  readonly #nodes: Node[] = [];
  readonly #tensors: Tensor[] = [];

  constant(name: string, tensor: Omit<Tensor, 'name'>): string {
    this.#tensors.push({ ...tensor, name });
    return name;
  }

  /**
   * Adds the weights, scales and zero point of a matrix. Returns their names. Each matrix has a zero point of its own: ONNX Runtime replaces
   * them when it makes the weights unsigned (`session.x64quantprecision`).
   */
  weights(name: string, { weights, scales }: Matrix): { weights: string; scales: string; zero: string } {
    const columns = scales.raw_data.length / Float32Array.BYTES_PER_ELEMENT;
    return {
      weights: this.constant(name, weights),
      scales: this.constant(`${name}.scale`, { ...scales, dims: [columns] }),
      zero: this.constant(`${name}.zero`, { dims: [], data_type: ELEMENT.int8, raw_data: new Uint8Array(1) }),
    };
  }

  /** Multiplies floats by a matrix of int8, as integers. */
  multiply(input: string, matrix: Matrix, output: string): string {
    const { weights, scales, zero } = this.weights(`${output}.weights`, matrix);
    return this.node('DynamicQuantizeMatMul', [input, weights, scales, zero], output, {}, RUNTIME);
  }

  /**
   * Multiplies floats by a matrix of int8, each token divided by its largest value: otherwise the range of all tokens is that of a few, and
   * little of the 8 bits is left for the others.
   */
  multiplyByToken(input: string, matrix: Matrix, output: string): string {
    this.node('Abs', [input], `${output}.abs`);
    this.nodeOf('ReduceMax', [`${output}.abs`], [`${output}.max`], [LAST_AXIS]);
    this.node('Div', [input, `${output}.max`], `${output}.input`);
    this.multiply(`${output}.input`, matrix, `${output}.scaled`);
    return this.node('Mul', [`${output}.scaled`, `${output}.max`], output);
  }

  /** Adds a node with one output. Returns the name of the output. */
  node(op: string, input: string[], output: string, attributes: Record<string, number> = {}, domain = ''): string {
    const attribute = Object.entries(attributes).map(([name, value]) =>
      Number.isInteger(value) ? { name, type: ATTRIBUTE.integer, i: value } : { name, type: ATTRIBUTE.float, f: value },
    );
    this.nodeOf(op, input, [output], attribute, domain);
    return output;
  }

  nodeOf(op: string, input: string[], output: string[], attribute: Node['attribute'] = [], domain = ''): void {
    this.#nodes.push({ op_type: op, input, output, domain, attribute });
  }

  finish(): Graph {
    const texts = [1, 'tokens'];
    return {
      nodes: this.#nodes,
      tensors: this.#tensors,
      inputs: [{ name: 'input_ids', elementType: ELEMENT.int64, dims: texts }],
      outputs: [{ name: 'last_hidden_state', elementType: ELEMENT.float, dims: [...texts, WIDTH] }],
    };
  }
}

const floats = ({ raw_data: { buffer, byteOffset, byteLength } }: Tensor) =>
  new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
const bytesOf = (array: Float32Array | BigInt64Array) => new Uint8Array(array.buffer);
const floatTensor = (values: Float32Array, dims: number[]) => ({
  dims,
  data_type: ELEMENT.float,
  raw_data: bytesOf(values),
});
const integers = (values: number[]) => ({
  dims: [values.length],
  data_type: ELEMENT.int64,
  raw_data: bytesOf(BigInt64Array.from(values, BigInt)),
});

function joinVectors(vectors: readonly Tensor[]): Omit<Tensor, 'name'> {
  const joined = Float32Array.from(vectors.flatMap((vector) => [...floats(vector)]));
  return floatTensor(joined, [joined.length]);
}

/** Puts matrices of as many rows side by side. */
function joinColumns(matrices: readonly Matrix[]): Matrix {
  const [rows = 0] = (matrices[0] as Matrix).weights.dims;
  const widths = matrices.map(({ weights }) => weights.dims[1] as number);
  const columns = widths.reduce((sum, width) => sum + width, 0);
  const joined = new Uint8Array(rows * columns);
  let left = 0;
  for (const [index, { weights }] of matrices.entries()) {
    const width = widths[index] as number;
    for (let row = 0; row < rows; row++)
      joined.set(weights.raw_data.subarray(row * width, (row + 1) * width), row * columns + left);
    left += width;
  }
  return {
    weights: { ...(matrices[0] as Matrix).weights, dims: [rows, columns], raw_data: joined },
    scales: { name: '', ...joinVectors(matrices.map(({ scales }) => scales)) },
  };
}
