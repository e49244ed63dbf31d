import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareModels } from './encoder-model/compare.ts';
import { fuseModel } from './encoder-model/fuse.ts';
import { root } from './program.ts';

const HELP = `Usage: npm run encoder-model -- --from FILE

Writes api/embeddings/local/model/model.onnx: the encoder's graph with fused operators and the weights of the model as it
is published. The README beside it names that file.

  --from FILE   the published model.onnx
  --compare     also prints the processor time of both graphs and the cosine of their vectors`;

const FILE = join(root, 'api', 'embeddings', 'local', 'model', 'model.onnx');
/** Checksum of the published model. */
const PUBLISHED = '8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

const { values } = parseArgs({
  options: { from: { type: 'string' }, compare: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
});
if (values.help || !values.from) {
  console.log(HELP);
  if (!values.help) process.exitCode = 1;
} else {
  const published = await readFile(values.from);
  if (sha256(published) !== PUBLISHED)
    throw new Error(`${values.from} is not the published model: ${sha256(published)}`);
  const model = fuseModel(published);
  await writeFile(FILE, model);
  console.log(`${FILE}: ${model.length} bytes, sha256 ${sha256(model)}`);
  if (values.compare) await compareModels(published, model);
}
