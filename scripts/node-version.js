// Imported first, so that an old Node.js is named before anything fails on it. Plain JavaScript that Node.js 14 reads.
const oldest = [20, 19];
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < oldest[0] || (major === oldest[0] && minor < oldest[1])) {
  process.stderr.write(
    `agent-fleets needs Node.js ${oldest.join(".")} or later, and this is ${process.versions.node}.\n`,
  );
  process.exit(1);
}
