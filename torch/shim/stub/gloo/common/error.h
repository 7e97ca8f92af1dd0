// Nothing of it is used, see dist.cpp.
#pragma once
