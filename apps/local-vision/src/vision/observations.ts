/** Which parts of the engine a question needs. */
export interface Parts {
  readonly objects: boolean;
  readonly text: boolean;
  readonly colours: boolean;
}

/** One object found: its COCO label and the detector's confidence, 0 to 1. */
export interface DetectedObject {
  readonly label: string;
  readonly score: number;
}

/** One of the main colours: its everyday name, the mean of its pixels as `#rrggbb`, and its share of the picture, 0 to 1. */
export interface MainColour {
  readonly name: string;
  readonly hex: string;
  readonly share: number;
}

/** All that was seen in one picture; a part that was not asked for is empty. */
export interface Observations {
  /** In pixels, upright. */
  readonly width: number;
  readonly height: number;
  /** The most confident first. */
  readonly objects: readonly DetectedObject[];
  /** Lines in reading order. */
  readonly text: readonly string[];
  /** The largest share first. */
  readonly colours: readonly MainColour[];
}
