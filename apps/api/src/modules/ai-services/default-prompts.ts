/** What the model is told about itself when the caller does not say. */
export const DEFAULT_SYSTEM_PROMPT = 'You are a helpful assistant.';

/** What is asked about a picture when the caller does not say. */
export const DEFAULT_IMAGE_PROMPT = 'Please explain the attached image.';
