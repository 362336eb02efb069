/* tslint:disable */
/* eslint-disable */
/**
 * 
 * @export
 * @interface BlobPageResponse
 */
export interface BlobPageResponse {
    /**
     * Give it as `continuation_token` to get the next page; null on the last.
     */
    continuation_token: string | null;
    /**
     * The blobs of this page.
     */
    items: Array<BlobResponse>;
}
/**
 * 
 * @export
 * @interface BlobResponse
 */
export interface BlobResponse {
    /**
     * What the content is, told from its bytes.
     */
    content_type: string;
    /**
     * Changes with the content.
     */
    etag: string;
    /**
     * ISO 8601, in UTC.
     */
    last_modified: string;
    /**
     * The whole name, slashes and all.
     */
    name: string;
    /**
     * How long the content is.
     */
    size_bytes: number;
}
/**
 * 
 * @export
 * @interface CallDirectMethodRequest
 */
export interface CallDirectMethodRequest {
    /**
     * How long to wait for a device that is not connected.
     */
    connect_timeout_seconds?: number;
    /**
     * The device; the default is that of the settings.
     */
    device_id?: string;
    /**
     * Which of the device's methods to call.
     */
    method_name: string;
    /**
     * What the method is given: any JSON, up to 128 KiB.
     */
    payload?: { [key: string]: unknown; } | null;
    /**
     * How long the device may take to answer.
     */
    response_timeout_seconds?: number;
}
/**
 * 
 * @export
 * @interface CallDirectMethodResponse
 */
export interface CallDirectMethodResponse {
    /**
     * What the device answered.
     */
    payload: { [key: string]: unknown; } | null;
    /**
     * The device's own status, by custom like HTTP's: 200 is success, 400 a payload it does not accept.
     */
    status: number;
}
/**
 * 
 * @export
 * @interface ChatChoiceResponse
 */
export interface ChatChoiceResponse {
    /**
     * Why the answer ended.
     */
    finish_reason: string;
    /**
     * Which of the answers it is, from 0.
     */
    index: number;
    /**
     * The answer.
     */
    message: ChatMessageResponse;
}
/**
 * 
 * @export
 * @interface ChatChunkChoiceResponse
 */
export interface ChatChunkChoiceResponse {
    /**
     * What it adds to the answer.
     */
    delta: ChatDeltaResponse;
    /**
     * Why the answer ended; null before its last piece.
     */
    finish_reason: string | null;
    /**
     * Which of the answers it belongs to, from 0.
     */
    index: number;
}
/**
 * 
 * @export
 * @interface ChatCompletionChunkResponse
 */
export interface ChatCompletionChunkResponse {
    /**
     * The answers that go on, most often one.
     */
    choices: Array<ChatChunkChoiceResponse>;
    /**
     * In seconds since 1970.
     */
    created: number;
    /**
     * Names the completion at the AI server, the same in every piece.
     */
    id: string;
    /**
     * Which model answers.
     */
    model: string;
    /**
     * What kind of object it is.
     */
    object: string;
}
/**
 * 
 * @export
 * @interface ChatCompletionResponse
 */
export interface ChatCompletionResponse {
    /**
     * The answers, most often one.
     */
    choices: Array<ChatChoiceResponse>;
    /**
     * In seconds since 1970.
     */
    created: number;
    /**
     * Names the completion at the AI server.
     */
    id: string;
    /**
     * Which model has answered.
     */
    model: string;
    /**
     * What kind of object it is.
     */
    object: string;
    /**
     * How many tokens were used; some servers do not say.
     */
    usage?: TokenUsageResponse;
}
/**
 * 
 * @export
 * @interface ChatDeltaResponse
 */
export interface ChatDeltaResponse {
    /**
     * What comes next in the answer.
     */
    content?: string | null;
    /**
     * Who speaks; in the first piece only.
     */
    role?: string;
}
/**
 * 
 * @export
 * @interface ChatMessageResponse
 */
export interface ChatMessageResponse {
    /**
     * The answer; null when the model refused or called a tool.
     */
    content: string | null;
    /**
     * Who speaks.
     */
    role: string;
}
/**
 * 
 * @export
 * @interface ChatRequest
 */
export interface ChatRequest {
    /**
     * What to ask.
     */
    prompt: string;
    /**
     * Send the answer piece by piece, as server-sent events.
     */
    stream?: boolean;
    /**
     * How the model should behave.
     */
    system_prompt?: string;
}
/**
 * 
 * @export
 * @interface DevicePageResponse
 */
export interface DevicePageResponse {
    /**
     * Give it as `continuation_token` to get the next page; null on the last.
     */
    continuation_token: string | null;
    /**
     * The devices of this page.
     */
    items: Array<DeviceResponse>;
}
/**
 * 
 * @export
 * @interface DeviceResponse
 */
export interface DeviceResponse {
    /**
     * Whether the device is connected now.
     */
    connection_state: DeviceResponseConnectionStateEnum;
    /**
     * The id, case-sensitive.
     */
    device_id: string;
    /**
     * When the device last connected, reported or sent something, as ISO 8601 in UTC; null if never.
     */
    last_activity_time: string | null;
    /**
     * A disabled device may not connect.
     */
    status: DeviceResponseStatusEnum;
}


/**
 * @export
 */
export const DeviceResponseConnectionStateEnum = {
    Connected: 'Connected',
    Disconnected: 'Disconnected',
} as const;
export type DeviceResponseConnectionStateEnum = typeof DeviceResponseConnectionStateEnum[keyof typeof DeviceResponseConnectionStateEnum];

/**
 * @export
 */
export const DeviceResponseStatusEnum = {
    Enabled: 'enabled',
    Disabled: 'disabled',
} as const;
export type DeviceResponseStatusEnum = typeof DeviceResponseStatusEnum[keyof typeof DeviceResponseStatusEnum];

/**
 * 
 * @export
 * @interface DeviceTwinResponse
 */
export interface DeviceTwinResponse {
    /**
     * Whose twin it is.
     */
    device_id: string;
    /**
     * Changes with tags and desired properties; give it as If-Match to change only what you have read.
     */
    etag: string;
    /**
     * What the device shall be like, and is like.
     */
    properties: TwinPropertiesResponse;
    /**
     * What the cloud notes about the device.
     */
    tags: { [key: string]: unknown; };
}
/**
 * 
 * @export
 * @interface ExplainImageRequest
 */
export interface ExplainImageRequest {
    /**
     * The stored picture.
     */
    blob_name: string;
    /**
     * The JSON schema that the answer has to follow.
     */
    json_schema?: { [key: string]: unknown; };
    /**
     * What to ask about the picture.
     */
    prompt?: string;
    /**
     * How the model should behave.
     */
    system_prompt?: string;
}
/**
 * 
 * @export
 * @interface ExplainImageResponse
 */
export interface ExplainImageResponse {
    /**
     * The picture.
     */
    blob_name: string;
    /**
     * The answer as the model gave it.
     */
    completion: ChatCompletionResponse;
    /**
     * The answer as plain text.
     */
    response: string;
}
/**
 * 
 * @export
 * @interface InfoResponse
 */
export interface InfoResponse {
    /**
     * The version of Node.js that it runs on.
     */
    node_version: string;
    /**
     * The source revision it was built from, where the build says so.
     */
    revision?: string;
    /**
     * The version of the API.
     */
    version: string;
}
/**
 * 
 * @export
 * @interface LatestTelemetryPageResponse
 */
export interface LatestTelemetryPageResponse {
    /**
     * Give it as `continuation_token` to get the next page; null on the last.
     */
    continuation_token: string | null;
    /**
     * The devices of this page.
     */
    items: Array<LatestTelemetryResponse>;
}
/**
 * 
 * @export
 * @interface LatestTelemetryResponse
 */
export interface LatestTelemetryResponse {
    /**
     * Whether the device is connected now.
     */
    connection_state: LatestTelemetryResponseConnectionStateEnum;
    /**
     * The device.
     */
    device_id: string;
    /**
     * The device's newest message; null when there is none of the last 30 days.
     */
    latest: TelemetryMessageResponse | null;
}


/**
 * @export
 */
export const LatestTelemetryResponseConnectionStateEnum = {
    Connected: 'Connected',
    Disconnected: 'Disconnected',
} as const;
export type LatestTelemetryResponseConnectionStateEnum = typeof LatestTelemetryResponseConnectionStateEnum[keyof typeof LatestTelemetryResponseConnectionStateEnum];

/**
 * 
 * @export
 * @interface LivenessResponse
 */
export interface LivenessResponse {
    /**
     * Always so.
     */
    status: LivenessResponseStatusEnum;
}


/**
 * @export
 */
export const LivenessResponseStatusEnum = {
    Live: 'live',
} as const;
export type LivenessResponseStatusEnum = typeof LivenessResponseStatusEnum[keyof typeof LivenessResponseStatusEnum];

/**
 * 
 * @export
 * @interface Problem
 */
export interface Problem {
    /**
     * A stable code to decide by.
     */
    code: string;
    /**
     * What went wrong this time.
     */
    detail: string;
    /**
     * Facts of this occurrence; problems lists every rule that the request breaks.
     */
    details?: { [key: string]: unknown; };
    /**
     * What to do about it.
     */
    hint: string;
    /**
     * The id under which the log speaks of this request.
     */
    request_id: string;
    /**
     * The HTTP status.
     */
    status: number;
    /**
     * What went wrong, the same for every occurrence.
     */
    title: string;
    /**
     * Identifies the kind of problem.
     */
    type: string;
}
/**
 * 
 * @export
 * @interface ReadinessCheckResponse
 */
export interface ReadinessCheckResponse {
    /**
     * Whether it answers as it should.
     */
    healthy: boolean;
    /**
     * What was asked.
     */
    name: string;
    /**
     * Why it is or is not healthy.
     */
    reason: string;
    /**
     * Whether the API is ready only if this is healthy.
     */
    required: boolean;
}
/**
 * 
 * @export
 * @interface ReadinessResponse
 */
export interface ReadinessResponse {
    /**
     * What the API asked to know.
     */
    checks: Array<ReadinessCheckResponse>;
    /**
     * Whether the API can do its work.
     */
    status: ReadinessResponseStatusEnum;
}


/**
 * @export
 */
export const ReadinessResponseStatusEnum = {
    Ready: 'ready',
    NotReady: 'not_ready',
} as const;
export type ReadinessResponseStatusEnum = typeof ReadinessResponseStatusEnum[keyof typeof ReadinessResponseStatusEnum];

/**
 * 
 * @export
 * @interface RegisterDeviceRequest
 */
export interface RegisterDeviceRequest {
    /**
     * The new device's id, up to 128 characters, case-sensitive.
     */
    device_id: string;
    /**
     * Whether the device may connect.
     */
    status?: RegisterDeviceRequestStatusEnum;
}


/**
 * @export
 */
export const RegisterDeviceRequestStatusEnum = {
    Enabled: 'enabled',
    Disabled: 'disabled',
} as const;
export type RegisterDeviceRequestStatusEnum = typeof RegisterDeviceRequestStatusEnum[keyof typeof RegisterDeviceRequestStatusEnum];

/**
 * 
 * @export
 * @interface RegisteredDeviceResponse
 */
export interface RegisteredDeviceResponse {
    /**
     * Whether the device is connected now.
     */
    connection_state: RegisteredDeviceResponseConnectionStateEnum;
    /**
     * What the device signs in with. It is shown this once: keep it like a password.
     */
    connection_string: string;
    /**
     * The id, case-sensitive.
     */
    device_id: string;
    /**
     * When the device last connected, reported or sent something, as ISO 8601 in UTC; null if never.
     */
    last_activity_time: string | null;
    /**
     * A disabled device may not connect.
     */
    status: RegisteredDeviceResponseStatusEnum;
}


/**
 * @export
 */
export const RegisteredDeviceResponseConnectionStateEnum = {
    Connected: 'Connected',
    Disconnected: 'Disconnected',
} as const;
export type RegisteredDeviceResponseConnectionStateEnum = typeof RegisteredDeviceResponseConnectionStateEnum[keyof typeof RegisteredDeviceResponseConnectionStateEnum];

/**
 * @export
 */
export const RegisteredDeviceResponseStatusEnum = {
    Enabled: 'enabled',
    Disabled: 'disabled',
} as const;
export type RegisteredDeviceResponseStatusEnum = typeof RegisteredDeviceResponseStatusEnum[keyof typeof RegisteredDeviceResponseStatusEnum];

/**
 * 
 * @export
 * @interface TelemetryMessageResponse
 */
export interface TelemetryMessageResponse {
    /**
     * What the device has sent: any JSON, a text, or base64, as `body_format` says.
     */
    body: { [key: string]: unknown; } | null;
    /**
     * `base64` for bytes that are no text.
     */
    body_format: TelemetryMessageResponseBodyFormatEnum;
    /**
     * True when the hub has stored base64 and `body` is what it stands for. Devices avoid that with the content type
     * application/json and the content encoding utf-8.
     */
    body_was_base64: boolean;
    /**
     * Which device has sent it.
     */
    device_id: string;
    /**
     * When the hub took the message, ISO 8601 in UTC.
     */
    enqueued_time: string;
    /**
     * Names the message.
     */
    id: string;
    /**
     * What the device says the message is: `telemetry` or `capture` from the device agent; null when it says nothing.
     */
    kind: string | null;
    /**
     * The application properties.
     */
    properties: { [key: string]: unknown; };
    /**
     * Where in the hub the message comes from; null when the hub did not say.
     */
    source: string | null;
}


/**
 * @export
 */
export const TelemetryMessageResponseBodyFormatEnum = {
    Json: 'json',
    Text: 'text',
    Base64: 'base64',
} as const;
export type TelemetryMessageResponseBodyFormatEnum = typeof TelemetryMessageResponseBodyFormatEnum[keyof typeof TelemetryMessageResponseBodyFormatEnum];

/**
 * 
 * @export
 * @interface TelemetryPageResponse
 */
export interface TelemetryPageResponse {
    /**
     * Give it as `continuation_token` to get the next page; null on the last.
     */
    continuation_token: string | null;
    /**
     * The messages of this page.
     */
    items: Array<TelemetryMessageResponse>;
}
/**
 * 
 * @export
 * @interface TokenUsageResponse
 */
export interface TokenUsageResponse {
    /**
     * Of the answer.
     */
    completion_tokens: number;
    /**
     * Of the question.
     */
    prompt_tokens: number;
    /**
     * Of both.
     */
    total_tokens: number;
}
/**
 * 
 * @export
 * @interface TwinPropertiesPatch
 */
export interface TwinPropertiesPatch {
    /**
     * What the device shall be like; null removes a property.
     */
    desired?: { [key: string]: unknown; };
}
/**
 * 
 * @export
 * @interface TwinPropertiesResponse
 */
export interface TwinPropertiesResponse {
    /**
     * What the device shall be like, with its `$version`.
     */
    desired: { [key: string]: unknown; };
    /**
     * What the device says it is like, with its `$version`.
     */
    reported: { [key: string]: unknown; };
}
/**
 * 
 * @export
 * @interface UpdateDeviceTwinRequest
 */
export interface UpdateDeviceTwinRequest {
    /**
     * What the device shall be like.
     */
    properties?: TwinPropertiesPatch;
    /**
     * What the cloud notes about the device, which never sees it; null removes a tag.
     */
    tags?: { [key: string]: unknown; };
}
