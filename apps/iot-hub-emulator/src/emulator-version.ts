/** The version of this program; a test keeps it that of package.json. */
export const EMULATOR_VERSION = '0.1.0';
