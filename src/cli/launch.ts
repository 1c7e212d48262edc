#!/usr/bin/env node
/** Where the published form starts: tells which Node it needs before anything is loaded that an older one cannot read. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 24 || (major === 24 && minor >= 12)) await import('./sallyport.ts');
else {
  process.stderr.write(`sallyport: this needs Node 24.12 or newer; this is ${process.versions.node}.\n`);
  process.exitCode = 70;
}
