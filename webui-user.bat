@echo off
rem Finds Python and hands over to sdui\install.py, which installs what is missing and starts sdui.
rem Your own settings go here; README.md explains them. Remove "rem" from a line to use it.
rem set "COMMANDLINE_ARGS=--autolaunch"
rem set "PYTHON=C:\Python313\python.exe"
rem set "VENV_DIR=venv"
rem set "TORCH_COMMAND=pip install torch==2.13.0 --index-url https://download.pytorch.org/whl/cu130"

setlocal
cd /d "%~dp0"
if not defined VENV_DIR set "VENV_DIR=venv"

set "FOUND=%VENV_DIR%\Scripts\python.exe"
call :usable && goto start

if not defined PYTHON goto search
set "FOUND=%PYTHON%"
call :usable && goto start
echo sdui: PYTHON=%PYTHON% is not a Python that sdui can use. 1>&2
goto refuse

:search
for %%V in (3.13 3.12 3.11) do (
    for /f "delims=" %%P in ('py -%%V -c "import sys; print(sys.executable)" 2^>nul') do (
        set "FOUND=%%P"
        call :usable && goto start
    )
)
set "FOUND=python"
call :usable && goto start
echo sdui: No usable Python was found. 1>&2

:refuse
echo Install Python 3.11 or newer from https://www.python.org/downloads/ and start again, 1>&2
echo or write the path of the one to use into webui-user.bat: set "PYTHON=C:\path\python.exe" 1>&2
if not defined CI pause
exit /b 1

:start
"%FOUND%" -I sdui\install.py %*
set "RESULT=%errorlevel%"
if not "%RESULT%"=="0" if not defined CI pause
exit /b %RESULT%

:usable
"%FOUND%" -c "import sys; sys.exit(sys.version_info < (3, 11))" >nul 2>&1
exit /b %errorlevel%
