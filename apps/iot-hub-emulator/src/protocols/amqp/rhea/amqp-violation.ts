/** The client did what AMQP or our limits do not allow: the connection ends with this condition. */
export class AmqpViolation extends Error {
  constructor(
    message: string,
    readonly condition = 'amqp:connection:framing-error',
  ) {
    super(message);
    this.name = 'AmqpViolation';
  }
}
