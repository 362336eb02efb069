/** Preloaded, with `--expose-gc`, into a process whose memory is measured: a signal makes it collect its garbage. */
process.on('SIGUSR2', () => {
  globalThis.gc?.();
});
