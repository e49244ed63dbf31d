import { PROBLEMS } from '../../api/errors.ts';
import { type OpenApi, readModel } from './model.ts';
import { pythonModels, pythonResources } from './python.ts';
import { typescriptResources, typescriptTypes } from './typescript.ts';

/** Returns the generated files of the clients by their path in the repository. */
export function generateClients(document: OpenApi): Record<string, string> {
  const model = readModel(document);
  const codes = Object.keys(PROBLEMS).toSorted();
  const typescript = 'mcp/clients/typescript/src/generated';
  const python = 'mcp/clients/python/whitemagic/generated';
  return {
    [`${typescript}/types.ts`]: typescriptTypes(model, codes),
    [`${typescript}/resources.ts`]: typescriptResources(model),
    [`${python}/__init__.py`]: '',
    [`${python}/models.py`]: pythonModels(model, codes),
    [`${python}/resources.py`]: pythonResources(model),
  };
}
