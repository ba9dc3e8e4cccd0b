/** The parts of tus-js-client below its index, which touches localStorage the moment it is imported. */
declare module 'tus-js-client/lib/upload.js' {
  import { Upload, type UploadOptions } from 'tus-js-client'
  /** Takes the defaults only when they are handed to it. */
  class BareUpload extends Upload {
    static readonly defaultOptions: UploadOptions
  }
  export { BareUpload as default }
}
declare module 'tus-js-client/lib/browser/httpStack.js' {
  import type { HttpStack } from 'tus-js-client'
  const XhrStack: new () => HttpStack
  export { XhrStack as default }
}
