"""
Every error that sdui raises on purpose, and what it means to the person who sees it.

SduiError
  RequestError        the request cannot be run as asked (HTTP 422)
    ModelNotFound     no such checkpoint (HTTP 404)
    PictureNotFound   no such saved picture, or not any more (HTTP 404)
  ModelFileError      a model file is damaged or of a kind that sdui cannot use; names the file
  OutputError         a finished picture or model could not be written; names the folder
  ExtensionError      an extension cannot be loaded or has failed; names it
  LaunchError         the server cannot start as asked: port taken, folder missing
Interrupted           not an error: the user pressed stop
"""


class SduiError(Exception): ...


class RequestError(SduiError): ...


class ModelNotFound(RequestError): ...


class PictureNotFound(RequestError): ...


class ModelFileError(SduiError): ...


class OutputError(SduiError): ...


class ExtensionError(SduiError): ...


class LaunchError(SduiError): ...


class Interrupted(Exception): ...
