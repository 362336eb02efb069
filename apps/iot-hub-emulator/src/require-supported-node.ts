import { unsupportedNode } from './supported-node.js';

// Imported before all else, since the modules after it fail on an old Node.js without saying why.
const problem = unsupportedNode(process.versions.node);
if (problem !== undefined) throw new Error(problem);
