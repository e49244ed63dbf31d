#!/usr/bin/env node
/**
 * Runs a command of package.json's scripts, each of which is `node scripts/run.mjs <command> [args]`: installs and
 * builds what is missing, then runs the command. Depends only on Node, since it installs everything else.
 *
 * This file keeps to syntax that an old Node can parse, so that such a Node prints the error below.
 */
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`WhiteMagic needs Node 20.19 or newer; this is Node ${process.versions.node} (${process.execPath}).`);
  process.exit(1);
}

import('./bootstrap/main.mjs').then(({ main }) => main(process.argv.slice(2)));
