#!/usr/bin/env node
/**
 * Every npm script is `node scripts/run.mjs <command> [args]`: it makes the checkout ready (packages, build) and runs
 * the command. It depends on nothing but Node, since it is what installs everything else.
 *
 * This first file keeps to syntax that an old Node can parse, so that the version check is what such a Node reports.
 * The rest stands in `bootstrap/`.
 */
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`WhiteMagic needs Node 20.19 or newer; this is Node ${process.versions.node} (${process.execPath}).`);
  process.exit(1);
}

import('./bootstrap/main.mjs').then(({ main }) => main(process.argv.slice(2)));
