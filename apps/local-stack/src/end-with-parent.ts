/** Preloaded into each process of the stack: it is asked to stop when the stack is gone, even when that was killed. */
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// The channel to the stack alone keeps no process running.
process.channel?.unref();
