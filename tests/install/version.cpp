// Built against an installed library: shows that C++ gets the same from the same header.
#include <ftreview.h>
#include <iostream>

int main()
{
    std::cout << ftr_version() << '\n';
    return ftr_abi_version() >= FTR_ABI_VERSION ? 0 : 1;
}
