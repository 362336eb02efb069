/** A refusal as Cosmos DB words it: an HTTP status, a code and a message. */
export class CosmosError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'CosmosError';
  }

  toJSON(): object {
    return { code: this.code, message: this.message };
  }
}

export function badRequest(message: string): CosmosError {
  return new CosmosError(400, 'BadRequest', message);
}

export function notFound(what: string): CosmosError {
  return new CosmosError(404, 'NotFound', `There is no such ${what}.`);
}

/** For what Azure can do and this server cannot. */
export function notImplemented(what: string): CosmosError {
  return new CosmosError(501, 'NotImplemented', `The local Cosmos DB does not implement ${what}.`);
}
