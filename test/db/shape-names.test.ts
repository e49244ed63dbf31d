import { expect, it } from 'vitest';
import { shapeNames } from '../../db/client/shape-names.ts';

it('names the first 24 texts of a kind, each with one name', () => {
  const nameOf = shapeNames('find');
  const texts = Array.from({ length: 30 }, (_, index) => `select ${index}`);
  const names = texts.map((text) => nameOf(text).name);
  expect(names.slice(0, 24)).toEqual(Array.from({ length: 24 }, (_, index) => `find_${index + 1}`));
  expect(names.slice(24)).toEqual(Array.from({ length: 6 }, () => undefined));
  expect(texts.map((text) => nameOf(text).name)).toEqual(names);
});
