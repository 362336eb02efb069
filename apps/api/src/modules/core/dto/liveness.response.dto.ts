export class LivenessResponse {
  /** Always so. */
  status: 'live';
}
