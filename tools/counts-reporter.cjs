const { writeSync } = require('node:fs');

/** Prints the counts of a whole Jest run as its last line: `N passed, N failed[, N skipped]`. */
module.exports = class CountsReporter {
  onRunComplete(_contexts, results) {
    const brokenFiles = results.testResults.filter((file) => file.testExecError).length;
    const skipped = results.numPendingTests + results.numTodoTests;
    const counts = [`${results.numPassedTests} passed`, `${results.numFailedTests + brokenFiles} failed`];
    if (skipped > 0) counts.push(`${skipped} skipped`);
    process.on('exit', () => writeSync(process.stdout.fd, `\n${counts.join(', ')}\n`));
  }
};
