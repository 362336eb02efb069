/** Tells handlers of this transport from those of others in a hybrid application. */
export const IOT_HUB_DEVICE_TRANSPORT = Symbol('IoT Hub device');

/** The event pattern of {@link DesiredProperties}; no direct method can have this name, for a slash ends a method's. */
export const DESIRED_PROPERTIES_PATTERN = 'twin/desired';
