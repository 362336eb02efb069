/** The tag of a delivery that is settled by lock token: .NET takes it for that token, and wants a UUID. */
export const tagOf = (lockToken: string): Buffer => Buffer.from(lockToken.replaceAll('-', ''), 'hex');
