export { AppError, type AppErrorOptions } from './app-error.js';
export { trustCertificateAuthority } from './certificate-authority.js';
export { isCredentialFailure } from './credential-failure.js';
export { errorFields } from './error-fields.js';
export { failureText } from './failure-text.js';
export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from './logger.js';
export { readRequestText } from './request-text.js';
export { flagSetting, listSetting, loadSettings, portSetting } from './settings.js';
export { closeOnSignal } from './shutdown.js';
