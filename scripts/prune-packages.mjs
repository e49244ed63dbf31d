#!/usr/bin/env node
/**
 * Removes from a folder of installed packages what no process on this platform loads: libraries of other platforms and of GPUs, source
 * maps, type declarations, documentation and tests of packages. For the container image. Prints the sizes before and after.
 *
 * Usage: node scripts/prune-packages.mjs NODE_MODULES
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
if (!folder) {
  console.error('Usage: node scripts/prune-packages.mjs NODE_MODULES');
  process.exit(2);
}

/** Files that no program loads. */
const UNUSED_FILE = /\.(map|d\.[cm]?ts|md|markdown|ts|flow)$|^(CHANGELOG|HISTORY|README)/i;
/** Licenses stay, whatever they are called. */
const LICENSE = /licen[sc]e|copying|notice/i;

const before = sizeOf(folder);
pruneOnnxRuntime();
pruneFiles(folder);
const [from, to] = [before, sizeOf(folder)].map((bytes) => `${(bytes / 1e6).toFixed(0)} MB`);
console.log(`${folder}: ${from} before, ${to} after`);

/** Keeps the library of this platform; the encoder runs on the CPU. */
function pruneOnnxRuntime() {
  const base = join(folder, 'onnxruntime-node', 'bin', 'napi-v6');
  for (const platform of list(base)) {
    for (const arch of list(join(base, platform))) {
      const isOwn = platform === process.platform && arch === process.arch;
      if (!isOwn) remove(join(base, platform, arch));
      else
        for (const file of list(join(base, platform, arch)))
          if (/providers_(cuda|tensorrt|webgpu)/.test(file)) remove(join(base, platform, arch, file));
    }
  }
  // The same runtime for browsers.
  remove(join(folder, 'onnxruntime-web'));
}

function pruneFiles(path) {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) pruneFiles(child);
    else if (UNUSED_FILE.test(entry.name) && !LICENSE.test(entry.name)) remove(child);
  }
}

function list(path) {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function remove(path) {
  rmSync(path, { recursive: true, force: true });
}

function sizeOf(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory()) return stat?.size ?? 0;
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.isSymbolicLink())
    .reduce((total, { name }) => total + sizeOf(join(path, name)), 0);
}
