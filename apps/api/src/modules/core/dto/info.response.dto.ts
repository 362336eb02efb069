import type { ApiConfig } from '../../../api.config.js';

export class InfoResponse {
  /**
   * The version of the API.
   * @example 0.1.0
   */
  version: string;

  /**
   * The source revision it was built from, where the build says so.
   * @example 24a8169
   */
  revision?: string;

  /**
   * The version of Node.js that it runs on.
   * @example 24.21.0
   */
  node_version: string;

  static of({ version, revision }: ApiConfig): InfoResponse {
    return { version, ...(revision && { revision }), node_version: process.versions.node };
  }
}
