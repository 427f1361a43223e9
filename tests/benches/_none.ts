/** A bench file without a bench. */

export {};
